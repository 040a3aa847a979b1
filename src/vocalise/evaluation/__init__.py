"""What a voice is worth."""
