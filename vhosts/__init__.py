"""Who may do what, where: virtual hosts, users, permissions and the domain exceptions."""
