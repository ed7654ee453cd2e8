"""The instructor's kit: slides, students' folder, answer key and teaching pages, made from the notebooks' sources."""
