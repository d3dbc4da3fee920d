"""Where reality, as ``facts/`` records it, is not as the description says: each with its reason. All else must conform."""

import re
from dataclasses import dataclass

from tests.conformance.description import Deviation


@dataclass(frozen=True)
class Excuse:
    where: str  # patterns that the whole text must match
    what: str
    why: str
    facts: str

    def covers(self, deviation: Deviation) -> bool:
        return bool(re.fullmatch(self.where, deviation.where) and re.fullmatch(self.what, deviation.what))


EXCUSES = [
    # Xero
    Excuse(
        r"xero_accounting .* 200",
        r"\.(Id|Status|ProviderName|DateTimeUTC) is not described",
        "Each answer comes in an envelope, which the description shows in its examples only.",
        "Xero 5, recorded",
    ),
    Excuse(
        r"xero_accounting .* (401|403|404|429|500)",
        "the status is not described",
        "The description names good answers and validation errors only.",
        "Xero 11.2, recorded",
    ),
    Excuse(
        r"xero_accounting GET /Contacts 400",
        "the status is not described",
        "A filter that cannot be read is a 400 QueryParseException.",
        "Xero 9.4, 11.2",
    ),
    Excuse(
        r"xero_accounting (PUT|POST) /Contacts 400",
        r"\.Elements\[\](\.\w+)+(\[\])?(\.\w+)? is not described",
        "A refused element is echoed as it was sent; the description names its errors and ids only.",
        "Xero 11.1, recorded",
    ),
    Excuse(
        r"xero_accounting GET /Contacts request",
        r'header If-Modified-Since breaks format "date-time"',
        "To the second and without a zone: Xero ignores the header in other forms and lists everything.",
        "Xero 15",
    ),
    Excuse(
        r"xero_accounting (GET|PUT) /Contacts/\{ContactID\}/History 200",
        r"\.HistoryRecords\[\]\.DateUTCString is not described",
        "Shown in the description's example, and documented.",
        "Xero 5.1",
    ),
    Excuse(
        r"xero-identity GET /Connections 200",
        r'\[\]\.(created|updated)DateUtc breaks format "date-time"',
        "Seven digits and no zone, as in the description's own example.",
        "Xero 4",
    ),
    Excuse(
        "xero-identity token",
        r"\.scope is not described",
        "The token endpoint says what was allowed; the official SDK documents it.",
        "Xero 2.1",
    ),
    Excuse(
        "xero-webhooks",
        r'\.events\[\]\.eventDateUtc breaks format "date-time"',
        "Without a zone, as in the description's own example.",
        "Xero 14.2",
    ),
    Excuse(
        "xero-webhooks",
        r"\.(first|last)EventSequence breaks minimum 1",
        "A trial delivery (intent to receive) counts from 0.",
        "Xero 14.5",
    ),
    # Karbon
    Excuse(
        r"karbon .* (200|201)",
        r"(\.\w+|\[\])+ is null",
        "What is empty is null in OData, in the description's own examples too, though its types say text.",
        "Karbon A6.1, A6.4, A6.7",
    ),
    Excuse(
        r"karbon .* (200|201)",
        r"\.BusinessCards\[\]\.(PhoneNumbers\[\]\.PhoneNumberKey|Addresses\[\]\.AddressKey) is not described",
        "Answers carry the keys that the server made, and elsewhere the description knows them.",
        "Karbon A6.7",
    ),
    Excuse(
        r"karbon GET /v3/(BusinessCards/\{BusinessCardKey\}|TenantSettings) 200",
        r"\.@odata\.(type|context) is not described",
        "Carried by the description's own example.",
        "Karbon A1",
    ),
    Excuse(
        r"karbon .* 401",
        r"\.error is not described",
        "The gateway wraps its 401, as the description's example UnauthorizedAccess shows.",
        "Karbon A2, A9",
    ),
    Excuse(
        r"karbon POST /v3/\w+ 400",
        r"\.error\.details is not described",
        "An invalid model comes with details; the description shows them in its examples.",
        "Karbon A9",
    ),
    Excuse(
        r"karbon PATCH /v3/Organizations/\{Organizationkey\} 204",
        "the status is not described",
        "Without a Prefer header a bare 204 is plausible, so the sandbox can give it.",
        "Karbon A11",
    ),
    Excuse(
        "karbon contact-webhook",
        r"\.Timestamp is not described",
        "Described as TimeStamp, sent by a live tenant as Timestamp.",
        "Karbon A15",
    ),
    Excuse(
        "karbon contact-webhook",
        r'\.ResourceType breaks enum \["Contact"\]',
        "Live events name Organization by its own name.",
        "Karbon A15",
    ),
]
