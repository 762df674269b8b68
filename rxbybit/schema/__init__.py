"""From frames to events: what each wire sends, and two ways to read it that are equal."""
