"""The chapters of a report, one a file: each makes a Section of a run's data, or None where there is nothing to say."""
