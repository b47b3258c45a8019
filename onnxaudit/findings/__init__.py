"""What evidence means: kinds of backdoor, rules, findings, outcomes. Report, gate and repair read it from here."""
