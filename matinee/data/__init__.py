"""What is known of users and items before a model sees them: titles, and how a title becomes a key."""
