"""Whole templates of many shapes, as people write them: the good ones are passed in silence, each mistake is named.

Heat 19 takes every file in `templates` (with the files and networks that they name).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.controller import lint
from guestagent.metadata.yaml_loader import load_yaml

TEMPLATES = Path(__file__).parent / "templates"


def read_template(name: str) -> str:
    return (TEMPLATES / f"{name}.yaml").read_text()


def format_problems(text: str, auth_ttl: int = 900) -> list[str]:
    return [str(problem) for problem in lint(load_yaml(text), auth_ttl)]


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_good_template_has_no_output(path: Path) -> None:
    assert format_problems(path.read_text()) == []


MISTAKES = [
    # References to nothing, and to the wrong kind of thing.
    ("blog_on_one_server", "{Ref: DBName}", "{Ref: DBNam}",
     "expected a resource or parameter of this template, found DBNam (did you mean DBName?)"),
    ("blog_on_one_server", "'AWS::Region'", "'AWS::AccountId'",
     "UserData.Fn::Base64.Fn::Join[1][4].Ref: expected a resource or parameter of this template, found AWS::AccountId"),
    ("blog_on_one_server", "[BlogServer, PublicIp]", "[BlogServe, PublicIp]",
     "Outputs.Url.Value.Fn::Join[1][1].Fn::GetAtt: expected a resource of this template, found BlogServe"),
    ("blog_on_one_server", "[BlogServer, PublicIp]", "[KeyName, PublicIp]",
     "expected a resource of this template, found KeyName (it is a parameter)"),
    ("blog_on_one_server", "[BlogServer, PublicIp]", "BlogServer.PublicIp",
     "Fn::GetAtt: expected a list of a resource and an attribute, found the string BlogServer.PublicIp "
     "(Heat accepts no other form: [BlogServer, PublicIp])"),
    ("blog_on_one_server", "[BlogServer, PublicIp]", "BlogServe.PublicIp",
     "expected a resource of this template, found BlogServe (did you mean BlogServer?)"),
    ("blog_on_one_server", "DependsOn: BlogServer", "DependsOn: KeyName",
     "Resources.Installed.DependsOn: expected a resource of this template, found KeyName (it is a parameter)"),
    ("blog_on_one_server", "DependsOn: BlogServer", "DependsOn: [BlogServer, Nothing]",
     "expected a resource of this template, found Nothing"),
    ("blog_on_one_server", "DependsOn: BlogServer", "DependsOn:",
     "Resources.Installed.DependsOn: expected a resource's name, or a list of them, found nothing"),
    ("blog_on_one_server", "FindInMap: [Images", "FindInMap: [Image",
     "expected a mapping of this template, found Image (did you mean Images?)"),
    ("blog_on_one_server", "{Ref: DBName}", "{'Fn::Sub': 'x${BlogServer.Ip}${Nix}${!No}'}",
     "expected a resource or parameter of this template, found Nix"),
    ("blog_on_one_server", "{Ref: DBName}", "{'Fn::Sub': '${DBName}'}",
     "Fn::Sub: expected a function of AWSTemplateFormatVersion 2010-09-09, found Fn::Sub"),
    ("domain_controller", "{get_resource: port}}", "{get_resource: private_network}}",
     "port_id.get_resource: expected a resource of this template, found private_network (it is a parameter)"),
    ("domain_controller", "depends_on: server", "depends_on: [flavor]",
     "expected a resource of this template, found flavor (it is a parameter)"),
    ("domain_controller", "$domain: {get_param: domain_name}", "$domain: {get_param: domain}",
     "user_data.str_replace.params.$domain.get_param: expected a parameter of this template, found domain"),
    ("domain_controller", "{get_param: image}", "{get_param: server}",
     "expected a parameter of this template, found server (it is a resource)"),
    ("domain_controller", "'OS::stack_name'", "'AWS::StackName'",
     "expected a parameter of this template, found AWS::StackName"),
    ("domain_controller", "[address, floating_ip_address]", "[adress, floating_ip_address]",
     "outputs.address.value.get_attr: expected a resource of this template, found adress (did you mean address?)"),
    ("domain_controller", "[address, floating_ip_address]", "address.floating_ip_address",
     "get_attr: expected a list of a resource and an attribute, found the string address.floating_ip_address"),
    ("domain_controller", "[domain_name, safe_mode_password]", "[domain_name, password]",
     "parameter_groups[0].parameters[1]: expected a parameter of this template, found password"),
    ("domain_controller", "[domain_name, safe_mode_password]", "[domain_name, domain_name]",
     "parameter_groups[0].parameters[1]: expected a parameter in one group only, found domain_name twice"),
    ("autoscaling_in_cfn", '{"Ref": "Launch"}', '{"Ref": "Lunch"}', "found Lunch (did you mean Launch?)"),
    ("autoscaling_in_hot", "[sizes, small]", "[size, small]",
     "resource.properties.flavor.get_param: expected a parameter of this template, found size"),
    ("autoscaling_in_hot", "{get_resource: listener}", "{get_resource: busy, x: y}", ""),
    ("software_deployments", "{get_attr: [secret, value]}", "{get_attr: [secrets, value]}",
     "input_values.password.get_attr: expected a resource of this template, found secrets"),
    ("nested_stacks", "network: {get_resource: network}}]", "network: {get_resource: net%index%}}]",
     "expected a resource of this template, found net%index%"),
    ("nested_stacks", "<%name%>: {get_param: names}", "<%name%>: {get_param: name}",
     "for_each.<%name%>.get_param: expected a parameter of this template, found name"),
    ("conditions_in_cfn", "Condition: Spare\n", "Condition: Spares\n",
     "Resources.Second.Condition: expected a condition of this template, found Spares (did you mean Spare?)"),
    ("conditions_in_cfn", "'Fn::If': [Any,", "'Fn::If': [Every,", "found Every"),
    ("conditions_in_cfn", "Value: {'Fn::GetAtt': [Second", "Value: {'Fn::GetAtt': [Third", "found Third"),
    ("conditions_in_cfn", "{Condition: Spare, Value", "{Condition: Server, Value",
     "Outputs.Second.Condition: expected a condition of this template, found Server"),
    ("conditions_in_cfn", "{'Fn::Not': [Local]}", "{'Fn::Not': [{Condition: Local}]}",
     "expected a condition's name, found {Condition: Local} (write the name alone: Local)"),
    ("conditions_in_cfn", "[{Ref: Environment}, production]", "[{Ref: Server}, production]",
     "expected a parameter of this template, found Server (it is a resource)"),
    ("conditions_in_hot", "{and: [production, has_address", "{and: [production, has_adress",
     "conditions.both.and[1]: expected a condition of this template, found has_adress"),
    ("conditions_in_hot", "condition: {not: either}", "condition: {not: neither}", "found neither"),
    ("conditions_in_hot", "{get_param: big}, true", "{get_resource: port}, true",
     "expected a function of conditions in heat_template_version 2021-04-16, found get_resource"),
    ("heat_types_in_cfn", "[{Ref: Port}]", "[{Ref: Ports}]", "Resources.Server.Metadata.ports[0].Ref: "),
    # Circles.
    ("conditions_in_cfn", "ImageId: debian-12\n", "ImageId: {Ref: Server}\n",
     "Resources.Server: expected dependencies without a cycle, found Server -> Server"),
    ("software_deployments", "depends_on: [on_database]", "depends_on: [on_web]", "found on_web -> on_web"),
    # Functions of another language or version.
    ("domain_controller", "{get_param: image}", "{Ref: image}",
     "image.Ref: expected a function of heat_template_version 2015-04-30, found Ref (Heat does not resolve it here)"),
    ("domain_controller", "{list_join: ['-'", "{str_split: ['-'", "found str_split"),
    ("autoscaling_in_cfn", '{"Ref": "Launch"}', '{"get_resource": "Launch"}', "found get_resource"),
    ("software_deployments", "{'Fn::Select': [0", "{'Fn::Join': [0", "found Fn::Join"),
    ("autoscaling_in_hot", "yaql: {expression", "Fn::GetAtt: {expression", "found Fn::GetAtt"),
    ("conditions_in_hot", "{if: [listed, ops]}", "{if: [listed]}", "expected a list of a condition and two values"),
    # The frame: versions, sections, keys.
    ("domain_controller", "2015-04-30", "2015-04-31",
     "heat_template_version: expected one of 2013-05-23, 2014-10-16, 2015-04-30,"),
    ("conditions_in_hot", "wallaby", "xena", "rocky, wallaby, found xena"),
    ("conditions_in_hot", "wallaby", "2016-04-08", "conditions came with heat_template_version 2016-10-14"),
    ("no_resources", "outputs:", "Outputs:", "Outputs: expected a section of heat_template_version 2016-10-14"),
    ("no_resources", "type: number", "type: Number", "parameters.size.type: expected one of string, number,"),
    ("no_resources", "size: {value: ", "size: {values: ", "outputs.size: expected a mapping with value, found none"),
    ("empty_resources", "Resources:", "Resources:\n- a", "Resources: expected a mapping, found a list"),
    ("empty_resources", "AWSTemplateFormatVersion: '2010-09-09'", "heat_template_version: 2018-08-31",
     "Resources: expected a section of heat_template_version 2018-08-31, "
     "found an unknown one (did you mean resources?)"),
    ("empty_resources", "Resources:", "heat_template_version: 2018-08-31\nResources:",
     "expected one version, found AWSTemplateFormatVersion and heat_template_version"),
    ("domain_controller", "depends_on: server", "DependsOn: server",
     "resources.promoted.DependsOn: expected a key of a resource, found an unknown one (did you mean depends_on?)"),
    ("domain_controller", "properties: {size: 40}", "properties:",
     "resources.disk.properties: expected a mapping, found nothing"),
    # Wait conditions, handles, servers: types of either dialect, in either.
    ("domain_controller", "timeout: {type: number", "timeout: {type: number, default: 50000",
     "resources.promoted.properties.timeout: expected 1 to 43200 seconds, found 50000"),
    ("blog_on_one_server", "Default: '600'", "Default: '1200'",
     "Resources.Installed.Properties.Timeout: expected less than auth_ttl, 900 s, found 1200 s"),
    ("amazon_types_in_hot", "default: 300", "default: 900",
     "resources.ready.properties.Timeout: expected less than auth_ttl, 900 s, found 900 s"),
    ("amazon_types_in_hot", "Handle: {get_resource: handle}, ", "",
     "resources.ready.properties: expected Handle: {get_resource: ...}, found none"),
    ("amazon_types_in_hot", "NetworkInterfaces: [{get_resource: port}]", "KeyName: x",
     "resources.server.properties: expected SubnetId or NetworkInterfaces, found neither"),
    ("amazon_types_in_hot", "#!/bin/sh\\ncfn", "#cloud-config\\ncfn", "expected a script that begins with #!"),
    ("amazon_types_in_hot", "WaitConditionHandle'}", "WaitConditionHandle', properties: {x: y}}",
     "resources.handle.properties: expected no properties on a handle, found some"),
    ("heat_types_in_cfn", "HEAT_SIGNAL", "CFN_SIGNAL",
     "Resources.Ready.Properties.timeout: expected less than auth_ttl, 900 s, found 7200 s"),
    ("heat_types_in_cfn", "    DependsOn: [Server]\n", "",
     "Resources.Ready.DependsOn: expected its server, found none (the clock would start before the server does)"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "good", "bad", "problem"), MISTAKES, ids=lambda text: text[:40])
def test_each_mistake_in_it_is_named(name: str, good: str, bad: str, problem: str) -> None:
    text = read_template(name)
    assert good in text

    problems = format_problems(text.replace(good, bad, 1))

    if problem:
        assert problem in "\n".join(problems)
    else:
        assert problems == []  # it only looks like a mistake


def test_what_only_the_cloud_can_know_is_no_problem() -> None:
    text = read_template("domain_controller")

    for timeout in ("{get_attr: [disk, size]}", "{get_file: t}", "{get_param: [timeout, x]}", "899.5"):
        assert format_problems(text.replace("timeout: {get_param: timeout}", f"timeout: {timeout}")) == []


def test_a_handle_that_is_signalled_with_its_token_has_no_url_to_expire() -> None:
    patient = read_template("domain_controller").replace("{get_param: timeout}", "3600")

    assert format_problems(patient) == []
    assert (
        "less than auth_ttl" in format_problems(patient.replace("[handle, curl_cli]", "[handle, signal]"))[0]
    )


def test_too_many_roots_are_reported_with_the_formats_own_key() -> None:
    many = "".join(f"  v{n}: {{type: 'OS::Heat::Value', properties: {{value: 1}}}}\n" for n in range(11))

    [problem] = format_problems(f"heat_template_version: rocky\nresources:\n{many}")

    assert problem.startswith("resources: expected at most 10 without dependencies, found 11")
