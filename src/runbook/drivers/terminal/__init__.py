"""The operator who sits at a real terminal: shown one step at a time, asked, and taken at their exact word only."""
