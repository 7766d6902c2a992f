"""What the suite found out of a device: as a table for the terminal, and as a report in HTML, Markdown or JSON.

=============  ========================================================================================================
text           the table that the command prints
observe        how each op ran: by a required family, by the backend's own kernel, decomposed, or on the host
performance    bandwidth, rate of products, time of a launch; never a reason to pass or to fail
record         the report itself, as plain data: what the JSON file holds
markdown       the record as a page of Markdown
page           the record as one HTML file that needs nothing else
=============  ========================================================================================================
"""

from hotplug.conformance.report.record import Record, certified, make, read
from hotplug.conformance.report.text import lines
from hotplug.conformance.report.write import write

__all__ = ["Record", "certified", "lines", "make", "read", "write"]
