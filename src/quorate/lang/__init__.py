"""The language: from text to a tree whose every name has its meaning, and what is wrong with it."""
