from django.urls import URLPattern, URLResolver, path

from incidents.views import deliveries, mapping, sources

urlpatterns: list[URLPattern | URLResolver] = [
    path("sources/", sources.sources, name="sources"),
    path("sources/new/", sources.new, name="source-new"),
    path("sources/<int:pk>/", sources.source, name="source"),
    path("sources/<int:pk>/dead/", sources.dead, name="source-dead"),
    path("sources/<int:pk>/dead/all/", deliveries.settle_all, name="source-dead-all"),
    path("sources/<int:pk>/latest/", sources.latest, name="source-latest"),
    path("sources/<int:pk>/rotate/", sources.rotate, name="source-rotate"),
    path("sources/<int:pk>/revoke/", sources.revoke, name="source-revoke"),
    path("sources/<int:pk>/switch/", sources.switch, name="source-switch"),
    path("sources/<int:pk>/test/", sources.try_out, name="source-test"),
    path("sources/<int:pk>/mapping/", mapping.mapping, name="source-mapping"),
    path("sources/<int:pk>/mapping/preview/", mapping.try_mapping, name="source-mapping-preview"),
    path("sources/<int:pk>/deliveries/<int:number>/", deliveries.delivery, name="source-delivery"),
    path(
        "sources/<int:pk>/deliveries/<int:number>/replay/",
        deliveries.replay,
        name="source-delivery-replay",
    ),
    path(
        "sources/<int:pk>/deliveries/<int:number>/discard/",
        deliveries.discard,
        name="source-delivery-discard",
    ),
]
