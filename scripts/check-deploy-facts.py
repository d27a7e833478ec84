"""Checks consistency between deployment files, which no linter covers. The argument is the directory with the output of
Compose and kustomize: {prod,roles,etcd}.json and k8s-*.yaml."""

import glob
import ipaddress
import json
import os
import re
import sys
import tomllib

import yaml

folder = sys.argv[1]
problems = []


def expect(holds, problem):
    if not holds:
        problems.append(problem)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


drain_secs = tomllib.loads(read("config/default.toml"))["server"]["drain_secs"]


def seconds(duration):
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", duration))


# ---- Compose

PUBLISHED = {("", "9080"), ("", "9443"), ("127.0.0.1", "3000"), ("127.0.0.1", "9090")}
compose_files = glob.glob("docker-compose*.yml")
known = set(re.findall(r"^(?:# )?([A-Z_]+)=", read(".env.example"), re.M))
# Set by scripts/compose.sh.
known |= {"GATEWAY_CONFIG", "PROMETHEUS_CONFIG"}
for path in compose_files:
    for variable in re.findall(r"(?<!\$)\$\{([A-Z_]+)", read(path)):
        expect(variable in known, f"{path}: {variable} is not in .env.example")

for variant in ("prod", "roles", "etcd"):
    if not os.path.exists(f"{folder}/{variant}.json"):
        expect(False, f"compose {variant}: could not be read")
        continue
    project = json.loads(read(f"{folder}/{variant}.json"))
    services = project["services"]
    published = {
        (port.get("host_ip", ""), port["published"])
        for service in services.values()
        for port in service.get("ports", [])
    }
    expect(published == PUBLISHED, f"compose {variant}: publishes {sorted(published)}, expected {sorted(PUBLISHED)}")
    for name, service in services.items():
        where = f"compose {variant}: {name}"
        version = service["image"].rpartition("/")[2].partition(":")[2]
        expect(version not in ("", "latest"), f"{where}: {service['image']} has no version")
        expect(service.get("deploy", {}).get("resources", {}).get("limits"), f"{where} has no resource limits")
        for mount in service.get("volumes", []):
            if mount["type"] == "bind":
                expect(os.path.exists(mount["source"]), f"{where} mounts {mount['source']}, which does not exist")
        if (service.get("command") or [""])[0] == "serve":
            expect("container_name" not in service and "ports" not in service, f"{where} cannot be scaled")
            expect(seconds(service["stop_grace_period"]) > drain_secs, f"{where} is killed before its drain ends")
            expect(service["read_only"] and service["cap_drop"] == ["ALL"], f"{where} has more permissions than needed")
            proxies = json.loads(service["environment"]["TRACKER__SERVER__TRUSTED_PROXIES"])
            subnet = project["networks"]["tracker-net"]["ipam"]["config"][0]["subnet"]
            trusted = any(ipaddress.ip_network(subnet).subnet_of(ipaddress.ip_network(proxy)) for proxy in proxies)
            expect(trusted, f"{where} does not trust the gateway's network {subnet}")

    dns = services["dns"]["networks"]["tracker-net"]["ipv4_address"]
    subnet = project["networks"]["tracker-net"]["ipam"]["config"][0]["subnet"]
    expect(ipaddress.ip_address(dns) in ipaddress.ip_network(subnet), f"compose {variant}: {dns} is not in {subnet}")
    asked = services["apisix"]["environment"]["DNS_SERVER"]
    expect(asked == f"{dns}:53", f"compose {variant}: the gateway asks {asked}, the service dns has {dns}")

    mounted = {mount["target"] for mount in services["grafana"]["volumes"]}
    for path in glob.glob("config/grafana/provisioning/dashboards/*.y*ml"):
        for provider in yaml.safe_load(read(path))["providers"]:
            sought = provider["options"]["path"]
            expect(sought in mounted, f"compose {variant}: grafana reads dashboards from {sought}, which is not mounted")

# ---- Kubernetes

offered = set(yaml.safe_load(read("k8s/base/secret.example.yaml"))["stringData"])
uid = int(re.search(r"^USER (\d+)", read("Dockerfile"), re.M).group(1))
for path in sorted(glob.glob(f"{folder}/k8s-*.yaml")):
    name = os.path.basename(path)
    objects = [found for found in yaml.safe_load_all(read(path)) if found]
    workloads = {found["metadata"]["name"]: found for found in objects if found["kind"] in ("Deployment", "Job")}
    settings = {found["metadata"]["name"] for found in objects if found["kind"] == "ConfigMap"}
    images = set()
    for workload, found in workloads.items():
        where = f"{name}: {workload}"
        pod = found["spec"]["template"]["spec"]
        container = pod["containers"][0]
        if "tracker" not in container["image"]:
            continue
        images.add(container["image"])
        expect(pod["securityContext"]["runAsUser"] == uid, f"{where} does not run as the image's user {uid}")
        for source in container["envFrom"]:
            expect(source["configMapRef"]["name"] in settings, f"{where} refers to a ConfigMap that does not exist")
        for variable in container["env"]:
            key = variable["valueFrom"]["secretKeyRef"]["key"]
            expect(key in offered, f"{where}: {key} is not in secret.example.yaml")
        if found["kind"] == "Deployment":
            seconds_ready = found["spec"].get("minReadySeconds", 0)
            expect(seconds_ready > 30, f"{where}: the gateway keeps addresses for up to 30 s, minReadySeconds is {seconds_ready}")
            pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
            grace = pod["terminationGracePeriodSeconds"]
            expect(grace > pause + drain_secs, f"{where}: terminationGracePeriodSeconds {grace} must exceed preStop {pause} plus drain_secs {drain_secs}")
    expect(len(images) == 1, f"{name}: different images {sorted(images)}")
    for service in (found for found in objects if found["kind"] == "Service"):
        # Only the services of the API: the others select every role.
        if service["metadata"]["name"] not in ("amazon-tracker", "amazon-tracker-headless"):
            continue
        wanted = service["spec"]["selector"].items()
        chosen = [
            found
            for found in workloads.values()
            if wanted <= found["spec"]["template"]["metadata"].get("labels", {}).items()
        ]
        where = f"{name}: service {service['metadata']['name']}"
        expect(len(chosen) == 1, f"{where} selects {[found['metadata']['name'] for found in chosen]}")
        for found in chosen:
            arguments = found["spec"]["template"]["spec"]["containers"][0]["args"]
            has_api = "--roles" not in arguments or "api" in arguments[-1].split(",")
            expect(has_api, f"{where} selects pods without the API")

for problem in problems:
    print(problem)
sys.exit(1 if problems else 0)
