"""Changes of access levels: loosening needs a second person; tightening is told and cleaned."""
