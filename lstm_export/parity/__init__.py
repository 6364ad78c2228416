"""Does a runner compute what the model defines? Golden inputs, noise floor, the rule, the report."""
