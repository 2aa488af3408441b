"""Looking at programs in a browser."""
