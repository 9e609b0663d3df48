import pytest

from telemetry.catalog import CatalogRefused, CatalogService
from telemetry.catalog_import import read_catalog
from telemetry.safe_yaml import MAX_BYTES, read_documents

OWN = """
services:
  - name: checkout
    tier: 1
    owner: payments-team
    lifecycle: production
    description: Takes orders.
    depends_on: [payments, orders-db]
  - name: orders-db
    kind: database
    owner:
"""
BACKSTAGE = """
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: shop}
spec: {owner: "group:default/shop-team"}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: checkout
  description: Takes orders.
  annotations: {github.com/project-slug: shop/checkout}
spec:
  type: service
  lifecycle: production
  owner: group:payments-team
  system: shop
  dependsOn: [resource:default/orders-db, component:payments, "api:rates", checkout]
---
apiVersion: backstage.io/v1beta1
kind: Resource
metadata: {name: orders-db}
spec: {type: database, system: shop, dependencyOf: ["component:default/reports"]}
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: orders}
spec: {type: topic, owner: user:ann}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: shop-team}
spec: {type: team, children: []}
"""


def test_our_own_format_gives_services_and_edges():
    catalog = read_catalog(OWN)

    assert catalog.services == (
        CatalogService(
            name="checkout",
            tier="1",
            owner="payments-team",
            lifecycle="production",
            description="Takes orders.",
        ),
        CatalogService(name="orders-db", kind="database"),
    )
    assert catalog.edges == (("checkout", "orders-db"), ("checkout", "payments"))
    assert catalog.passed_over == ()


def test_components_and_resources_of_backstage_are_services():
    catalog = read_catalog(BACKSTAGE)

    assert [(each.name, each.kind, each.owner) for each in catalog.services] == [
        ("checkout", "service", "payments-team"),
        ("orders-db", "database", "shop-team"),
        ("orders", "queue", "ann"),
    ]
    assert catalog.services[0].lifecycle == "production"
    assert catalog.services[0].description == "Takes orders."


def test_backstage_dependencies_are_edges_in_both_spellings():
    assert read_catalog(BACKSTAGE).edges == (
        ("checkout", "orders-db"),
        ("checkout", "payments"),
        ("reports", "orders-db"),
    )


def test_what_is_passed_over_is_told():
    assert read_catalog(BACKSTAGE).passed_over == (
        "checkout refers to api:rates, which does not run.",
        "Group shop-team is nothing that runs.",
        "checkout depends on itself.",
    )


def test_the_first_of_two_descriptions_counts():
    catalog = read_catalog("services: [{name: a, owner: one}, {name: a, owner: two}]")

    assert [each.owner for each in catalog.services] == ["one"]
    assert catalog.passed_over == ("a is described more than once; the first counts.",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "The file is empty."),
        ("---\n---\n", "The file is empty."),
        ("services: [", "not YAML"),
        ("- a", "In the document at line 1"),
        ("services: [{name: a, colour: red}]", r"services\.0\.colour"),
        ("services: [{name: a, tier: 9}]", r"services\.0\.tier"),
        ("services: [{name: a, kind: robot}]", r"services\.0\.kind"),
        ("services: [{name: ''}]", r"services\.0\.name"),
        ("services: [{name: a, depends_on: [[b]]}]", r"services\.0\.depends_on\.0"),
        ("services: []\n---\nservices: []", "Several documents"),
        ("apiVersion: backstage.io/v1alpha1\nkind: Component", "metadata"),
        ("apiVersion: [backstage.io/]\nkind: Component", "services"),
    ],
)
def test_a_file_that_cannot_be_understood_says_where_and_why(text, why):
    with pytest.raises(CatalogRefused, match=why):
        read_catalog(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: &x 1\nb: 2", "Line 1: Anchors"),
        ("a: 1\nb: *x", "Line 2: Anchors"),
        ("a: !!python/object/apply:os.system [ls]", "Line 1: Tags"),
        ("a: 1\na: 2", "Line 2: The key 'a' is given twice"),
        ("[1]: 2", "A key must be text"),
        ("[" * 100_000, "nested deeper than 20"),
        ("---\n1\n" * 2_000, "1000 documents"),
        ("a: " + "x" * MAX_BYTES, "larger than 256 kB"),
        ("a: \x00", "a character YAML does not allow"),
        ("a: \udcff", "half a character"),
    ],
)
def test_yaml_beyond_the_limits_is_refused(text, why):
    with pytest.raises(CatalogRefused, match=why):
        read_catalog(text)


def test_values_stay_the_text_they_are():
    text = "{a: no, b: 012, c: 1e999, d: 12:30:00, e: ~, f: '~', g: 2026-01-01}"

    assert read_documents(text) == [
        (
            1,
            {
                "a": "no",
                "b": "012",
                "c": "1e999",
                "d": "12:30:00",
                "e": None,
                "f": "~",
                "g": "2026-01-01",
            },
        )
    ]
