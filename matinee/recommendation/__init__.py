"""What a fitted model says to people: lists, filters, re-ranking, groups, explanations; and its file."""
