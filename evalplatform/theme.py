"""The look of the admin (django-unfold): colours, sidebar, the platform's own style sheets and scripts.

It stands here and not in ``annotations.admin`` because settings may not import the app.
"""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

# Indigo; 500 is lighter than usual, because it is the colour of links on dark ground (4.5:1 on base-900).
PRIMARY = {
    "50": "#eef2ff",
    "100": "#e0e7ff",
    "200": "#c7d2fe",
    "300": "#a5b4fc",
    "400": "#a5adfb",
    "500": "#8a94f8",
    "600": "#4f46e5",
    "700": "#4338ca",
    "800": "#3730a3",
    "900": "#312e81",
    "950": "#1e1b4b",
}


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_superuser)


def _entry(title: str, icon: str, model: str, sees: str = "reads") -> dict[str, Any]:
    """Name a list; `sees` is the function that says whether there is anything in it for somebody."""
    link = reverse_lazy(f"admin:annotations_{model}_changelist")
    return {"title": title, "icon": icon, "link": link, "permission": f"annotations.admin.readonly.{sees}"}


def _group(title: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "collapsible": True, "separator": True, "items": list(items)}


NAVIGATION = [
    {
        "items": [
            {"title": "Overview", "icon": "space_dashboard", "link": reverse_lazy("admin:index")},
            {"title": "Studies", "icon": "science", "link": reverse_lazy("admin:annotations_study_changelist")},
        ],
    },
    _group(
        "Material",
        _entry("Imports", "upload_file", "materialimport"),
        _entry("Systems", "memory", "system"),
        _entry("Prompts", "lightbulb", "prompt"),
        _entry("Outputs", "notes", "output"),
    ),
    _group(
        "Field work",
        _entry("Participations", "groups", "participation", "meets"),
        _entry("Judgements", "balance", "judgement"),
        _entry("Leases", "timer", "lease"),
        _entry("Flags", "flag", "flag"),
        _entry("Exclusions", "person_off", "exclusion"),
    ),
    _group(
        "Plans and reports",
        _entry("Frozen plans", "lock", "plan"),
        _entry("Booklets", "menu_book", "booklet"),
        _entry("Tasks", "compare_arrows", "task"),
        _entry("Reports", "query_stats", "report"),
    ),
    _group(
        "Administration",
        _entry("Event log", "history", "event", "logs"),
        _entry("Raters", "person", "rater", "meets"),
        {
            "title": "Recruiters' ids",
            "icon": "badge",
            "link": reverse_lazy("admin:annotations_recruitmentidentity_changelist"),
            "permission": _is_superuser,
        },
        {
            "title": "Users",
            "icon": "manage_accounts",
            "link": reverse_lazy("admin:auth_user_changelist"),
            "permission": lambda request: request.user.has_perm("auth.view_user"),
        },
        {
            "title": "Groups",
            "icon": "group_work",
            "link": reverse_lazy("admin:auth_group_changelist"),
            "permission": lambda request: request.user.has_perm("auth.view_group"),
        },
    ),
]

UNFOLD = {
    "SITE_TITLE": "Evaluation platform",
    "SITE_HEADER": "Evaluation platform",
    "SITE_SUBHEADER": "Blinded human judgement",
    "SITE_SYMBOL": "balance",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _: static("annotations/admin/favicon.svg")},
    ],
    "SITE_URL": None,
    "DASHBOARD_CALLBACK": "annotations.admin.home.dashboard",
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {"primary": PRIMARY},
    "BORDER_RADIUS": "8px",
    "STYLES": [lambda _: static("annotations/admin/frame.css")],
    "ACCOUNT": {
        "navigation": [
            {"title": "Two-factor login", "link": reverse_lazy("mfa_index")},
            {"title": "API tokens", "link": reverse_lazy("admin:annotations_apitoken_changelist")},
        ]
    },
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": NAVIGATION},
}
