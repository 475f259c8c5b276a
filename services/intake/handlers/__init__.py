"""What intake does: receive, commit, relay; apps and secrets; tokens; looking things up."""
