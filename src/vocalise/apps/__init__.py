"""What people touch: the command line, the doctor's page and the demo."""
