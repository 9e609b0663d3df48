from django.urls import URLPattern, URLResolver, path

from incidents.views import alerts, bulk, incident, knowledge, list as incident_list, saved_views

urlpatterns: list[URLPattern | URLResolver] = []
