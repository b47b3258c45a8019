"""What the templates show: everything is decided, counted and put into words here."""
