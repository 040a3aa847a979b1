"""Pure functions that measure singing, and the singer probe."""
