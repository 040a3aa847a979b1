"""Pages in a real browser: whether they open in silence, play, and fit."""
