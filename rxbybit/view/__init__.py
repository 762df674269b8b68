"""What people look at: events as lines, and the live terminal view (extra ``rxbybit[cli]``)."""
