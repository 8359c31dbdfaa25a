-- Simulated markets change the calendar: they have a database of their own, empty unless profile sim is used.
create database strikebase_sim;
