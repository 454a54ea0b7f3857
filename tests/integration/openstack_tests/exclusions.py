"""OpenStack's own tests of Heat: where they come from, and which of them are left out and why."""

from __future__ import annotations

from collections.abc import Mapping

# Pinned: what they assert is compared with what stands in docs/reference/openstack-tests.md.
PACKAGES = ("heat-tempest-plugin==3.0.0", "tempest", "python-swiftclient")
PACKAGES_WITHOUT_DEPENDENCIES = (
    "openstack-heat==27.0.1",
)  # its tests come with it; they import nothing else of it

PLUGIN = "heat_tempest_plugin.tests"
INTREE = "heat_integrationtests.functional"
# Each of these runs beside the others: they wait more than they work.
RUNS = (f"{PLUGIN}.functional", f"{PLUGIN}.api", INTREE)
SLOW_TEST = f"{INTREE}.test_simultaneous_update.SimultaneousUpdateStackTest"  # three minutes of sleep
CURL_TEST = (
    f"{PLUGIN}.functional.test_os_wait_condition.OSWaitCondition"  # the one that the others lead up to
)

_NESTED = "nested stacks and resource registries"
_GROUPS = "resource groups, autoscaling and other stacks in stacks"
_CONDITIONS = "conditions"
_DEPLOYMENTS = "software deployments"
_NETWORKS = "networks, subnets, routers and trunks of a stack's own"
_VOLUMES = "volumes"
_ACTIONS = "stack actions: cancel, suspend, check, snapshot, abandon, adopt, hooks"
_PREVIEW = "previews"
_SCHEMATA = "resource types' and template versions' lists and schemata"
_ADMIN = "an administrator's commands, in Heat's own database or its configuration"

EXCLUDED: Mapping[str, str] = {
    f"{PLUGIN}.functional.test_create_update_neutron_port": _NETWORKS,
    f"{PLUGIN}.functional.test_create_update_neutron_subnet": _NETWORKS,
    f"{PLUGIN}.functional.test_create_update_neutron_trunk": _NETWORKS,
    f"{PLUGIN}.functional.test_extra_route_set": _NETWORKS,
    f"{PLUGIN}.functional.test_nova_server_networks": _NETWORKS,
    f"{PLUGIN}.functional.test_encryption_vol_type": _VOLUMES,
    f"{PLUGIN}.functional.test_event_sinks": "Zaqar",
    f"{PLUGIN}.functional.test_waitcondition": "Zaqar",
    f"{PLUGIN}.functional.test_external_ref": "resources that are not the stack's own (external_id)",
    f"{PLUGIN}.functional.test_hooks": _ACTIONS,
    f"{PLUGIN}.functional.test_preview": _PREVIEW,
    f"{PLUGIN}.functional.test_unicode_template.StackUnicodeTemplateTest.test_stack_preview": _PREVIEW,
    f"{PLUGIN}.functional.test_remote_stack": "stacks in other regions",
    f"{PLUGIN}.functional.test_software_config": _DEPLOYMENTS,
    f"{PLUGIN}.functional.test_stack_outputs.StackOutputsTest.test_output_error_nested": _NESTED,
    f"{PLUGIN}.functional.test_stack_tags.StackTagTest.test_hidden_stack": "a tag that hides stacks from lists",
    f"{PLUGIN}.functional.test_template_validate.StackTemplateValidateTest.test_template_validate_nested": _NESTED,
    f"{PLUGIN}.functional.test_template_validate.StackTemplateValidateTest.test_template_validate_override_none": _NESTED,  # noqa: E501
    f"{PLUGIN}.functional.test_templates.TemplateAPITest.test_resource_types": _SCHEMATA,
    f"{PLUGIN}.functional.test_templates.TemplateAPITest.test_show_resource_template": _SCHEMATA,
    f"{PLUGIN}.api.test_heat_api.softwareconfig": _DEPLOYMENTS,
    f"{PLUGIN}.api.test_heat_api.resourcetypes": _SCHEMATA,
    f"{PLUGIN}.api.test_heat_api.templates_list": _SCHEMATA,
    f"{PLUGIN}.api.test_heat_api.resources_mark": _ACTIONS,
    f"{PLUGIN}.api.test_heat_api.resources_show_unhealthy": _ACTIONS,
    f"{INTREE}.test_abandon_adopt": _ACTIONS,
    f"{INTREE}.test_admin_actions": _ADMIN,
    f"{INTREE}.test_autoscaling": _GROUPS,
    f"{INTREE}.test_aws_stack": _NESTED,
    f"{INTREE}.test_cancel_update": _ACTIONS,
    f"{INTREE}.test_conditional_exposure": _SCHEMATA,
    f"{INTREE}.test_conditions": _CONDITIONS,
    f"{INTREE}.test_create_update.UpdateStackTest.test_stack_update_alias": _NESTED,
    f"{INTREE}.test_create_update.UpdateStackTest.test_stack_update_flavor_volume": _VOLUMES,
    f"{INTREE}.test_create_update.UpdateStackTest.test_stack_update_provider": _NESTED,
    f"{INTREE}.test_create_update.UpdateStackTest.test_stack_update_replace_manual_rollback": "an old resource "
    "that comes back after its replacement has failed",
    f"{INTREE}.test_create_update.UpdateStackTest.test_stack_update_with_conditions": _CONDITIONS,
    f"{INTREE}.test_create_update.UpdateStackTest.test_stack_update_with_if_conditions": _CONDITIONS,
    f"{INTREE}.test_create_update.UpdateStackTest.test_stack_update_with_new_env": _NESTED,
    f"{INTREE}.test_create_update.UpdateStackTest.test_update_failed_changed_env": _NESTED,
    f"{INTREE}.test_default_parameters": _NESTED,
    f"{INTREE}.test_delete": _GROUPS,
    f"{INTREE}.test_env_merge": _NESTED,
    f"{INTREE}.test_heat_autoscaling": _GROUPS,
    f"{INTREE}.test_instance_group": _GROUPS,
    f"{INTREE}.test_keystone_user_with_domain": "users, projects and domains of a stack's own",
    f"{INTREE}.test_notifications": "notifications over oslo.messaging, and autoscaling",
    f"{INTREE}.test_preview_update": _PREVIEW,
    f"{INTREE}.test_purge": _ADMIN,
    f"{INTREE}.test_replace_deprecated": _DEPLOYMENTS,
    f"{INTREE}.test_resource_chain": _GROUPS,
    f"{INTREE}.test_resource_group": _GROUPS,
    f"{INTREE}.test_simultaneous_update.SimultaneousUpdateNestedStackTest": _NESTED,
    SLOW_TEST: "nothing: it passes, and sleeps for three minutes (`make test-all` runs it)",
    f"{INTREE}.test_snapshot_restore": _ACTIONS,
    f"{INTREE}.test_software_deployment_group": _DEPLOYMENTS,
    f"{INTREE}.test_stack_cancel": _ACTIONS,
    f"{INTREE}.test_swiftsignal_update": "Swift",
    f"{INTREE}.test_template_resource": _NESTED,
    f"{INTREE}.test_template_versions": _SCHEMATA,
    f"{INTREE}.test_translation": _NETWORKS,
    f"{INTREE}.test_update_restricted": _NESTED,
    f"{INTREE}.test_validation.StackValidationTest": _NESTED,
}
