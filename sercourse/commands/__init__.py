"""The commands of ``sercourse``: each is a thin door to the library, and imports what it needs when it runs."""
