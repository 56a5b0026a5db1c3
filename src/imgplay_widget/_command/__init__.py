"""`imgplay`, the studio as a command. Each command imports the studio only when it runs."""
