"""What REST gives: lists to begin with, and the past of a stream."""
