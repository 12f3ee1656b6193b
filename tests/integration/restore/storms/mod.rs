//! A restore on a day on which nothing works at the first try: the servers are slow, busy, away, and back.

mod story;
