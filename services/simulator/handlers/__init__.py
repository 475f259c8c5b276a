"""What the platform does when it is called, told, or when time passes."""
