"""What services say to each other: events by owner, their subjects, and refusal reasons."""
