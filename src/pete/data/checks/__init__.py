"""What an editor would question in rows, by subject; pete.data.check asks all of it."""
