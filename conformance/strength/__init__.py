"""How strong the suite is: backends with one bug each, of which it must find 99 in 100.

``python -m hotplug.conformance.strength`` plants the bugs one at a time and reports which case found each.
"""
