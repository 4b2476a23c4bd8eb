"""What is told of a project's data: its health, what is due, and notices of it."""
