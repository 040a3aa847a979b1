"""The studio: one page on one's own machine that does the whole work, in English and in Korean (extra `studio`)."""
