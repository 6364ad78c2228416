"""Tables, calendar features and windows: numpy and the table reader, shared by training and the device."""
