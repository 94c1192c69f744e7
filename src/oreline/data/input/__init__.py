"""From files, pages, archives and tables to frames: what readers share."""
