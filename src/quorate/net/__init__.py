"""What crosses between operating-system processes: values as bytes, and the frames they go in."""
