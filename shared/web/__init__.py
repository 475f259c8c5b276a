"""The HTTP edge: server, routes as tables, who may call, failures as answers."""
