from django.urls import URLPattern, URLResolver, include, path

from aiops_site.views import estate, profile, robots, search, status, welcome

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("incidents.source_urls")),
    path("", include("aiops_site.dashboards.urls")),
    path("welcome/", welcome.welcome, name="welcome"),
    path("welcome/dismiss/", welcome.dismiss, name="welcome-dismiss"),
    path("search/", search.search, name="search"),
    path("status/", status.status, name="status"),
    path("estate/", estate.estate, name="estate"),
    path("estate/fault/", estate.inject, name="estate-fault"),
    path("estate/clear/", estate.clear, name="estate-clear"),
    path("profile/", profile.profile, name="profile"),
    path("profile/password/", profile.change_password, name="password_change"),
    path("profile/sessions/", profile.sign_out, name="session-end"),
    path("profile/tokens/", profile.make_token, name="token-new"),
    path("profile/tokens/<int:pk>/revoke/", profile.revoke_token, name="token-revoke"),
    path("robots.txt", robots.robots, name="robots"),
]
