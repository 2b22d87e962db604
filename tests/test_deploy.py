"""compose.yaml and deploy/: read by their own programs, and consistent with the image."""

import ast
import os
import re
import subprocess
import sys
from copy import deepcopy
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from mmf_core.tasks.settings import TaskSettings

NAME = "wine-cultivars2"  # Kubernetes allows no _
PROBES = {"startup": "/health/live", "liveness": "/health/live", "readiness": "/health/ready"}
# The longest that mmf_core and gunicorn.conf.py wait, and some seconds to spare.
LONGEST_END = 40
WORKER = ["-m", "mmf_core", "worker"]  # as `mmfmeta worker`, which is not in the image or slug


def program(name: str) -> Path:
    """Return a program of this environment; skip if it has no build for this system."""
    path = Path(sys.executable).with_name(name)
    if not path.is_file():
        pytest.skip(f"{name} has no build for this system")
    return path


@pytest.fixture(scope="module")
def project(other: Path) -> Path:
    """Return a project whose folder name is invalid in Kubernetes."""
    assert "_" in other.name
    return other


def kustomize(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what `kubectl apply -k` would send, by kind."""
    done = subprocess.run(
        [program("kubectl"), "kustomize", folder], capture_output=True, text=True, check=True
    )
    return {manifest["kind"]: manifest for manifest in yaml.safe_load_all(done.stdout)}


@pytest.fixture(scope="module")
def kustomized(project: Path) -> dict[str, dict[str, Any]]:
    """Return the manifests of the service."""
    return kustomize(project / "deploy" / "kubernetes")


@pytest.fixture
def manifests(kustomized: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return a copy that a test may change."""
    return deepcopy(kustomized)


def container_of(manifest: dict[str, Any]) -> dict[str, Any]:
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    return dict(container)


def check_is_confined(container: dict[str, Any], pod: dict[str, Any], *writable: str) -> None:
    """Fail unless it may only compute, write to /tmp and respond."""
    context = pod.get("securityContext", {}) | container["securityContext"]
    assert context == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp", *writable]
    assert set(container["resources"]["limits"]) == {"cpu", "memory"}


# Docker


def test_the_image_has_the_modules_that_the_service_imports(baked: Path) -> None:
    """A `retrain` target that imports train.py, when called or at the start, failed there."""
    assert "COPY . ." in (baked / "Dockerfile").read_text(encoding="utf-8").splitlines()
    lines = (baked / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    modules = ["main.py", "app.py", "gunicorn.conf.py"]
    for module in modules:  # grows while it is read
        for node in ast.walk(ast.parse((baked / module).read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            files = {f"{name.partition('.')[0]}.py" for name in names} - {*modules}
            modules += [file for file in files if (baked / file).exists()]
    assert "train.py" in modules
    assert not [file for file in modules if any(fnmatch(file, pattern) for pattern in patterns)]


# Kubernetes


def test_manifests_are_valid(manifests: dict[str, dict[str, Any]]) -> None:
    assert set(manifests) == {
        "Deployment",
        "Service",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "NetworkPolicy",
    }
    for manifest in manifests.values():
        kubernetes_validate.validate(manifest, "1.37", strict=True)
        assert manifest["metadata"]["name"] == NAME


def test_invalid_manifest_is_detected(manifests: dict[str, dict[str, Any]]) -> None:
    """An unknown field, such as a misspelling, fails validation."""
    manifests["Deployment"]["spec"]["template"]["spec"]["terminationGracePeriod"] = 45
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifests["Deployment"], "1.37", strict=True)


def test_selectors_match_the_pods(manifests: dict[str, dict[str, Any]]) -> None:
    spec = manifests["Deployment"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert labels == {"app.kubernetes.io/name": NAME}
    assert spec["selector"]["matchLabels"] == labels
    assert manifests["Service"]["spec"]["selector"] == labels
    assert manifests["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert manifests["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    scaled = manifests["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (scaled["kind"], scaled["name"]) == ("Deployment", NAME)
    assert "replicas" not in spec, "applying it again would undo the autoscaler"


def test_pod(manifests: dict[str, dict[str, Any]], project: Path) -> None:
    pod = manifests["Deployment"]["spec"]["template"]["spec"]
    container = container_of(manifests["Deployment"])
    check_is_confined(container, pod, "/tasks")
    assert pod["terminationGracePeriodSeconds"] > LONGEST_END
    probes = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in PROBES}
    assert probes == PROBES
    (port,) = container["ports"]
    assert f"EXPOSE {port['containerPort']}\n" in (project / "Dockerfile").read_text()
    assert manifests["Service"]["spec"]["ports"][0]["targetPort"] == port["name"]


def test_tasks_need_a_secret(
    manifests: dict[str, dict[str, Any]],
) -> None:
    """Otherwise each pod would have its own tasks, unknown to the others."""
    container = container_of(manifests["Deployment"])
    assert "env" not in container
    assert container["envFrom"] == [{"secretRef": {"name": f"{NAME}-tasks", "optional": True}}]
    (volume,) = [
        volume
        for volume in manifests["Deployment"]["spec"]["template"]["spec"]["volumes"]
        if volume["name"] == "tasks"
    ]
    assert "emptyDir" in volume


def test_workers(manifests: dict[str, dict[str, Any]], project: Path) -> None:
    workers = kustomize(project / "deploy" / "kubernetes" / "worker")
    assert set(workers) == {"Deployment", "NetworkPolicy"}
    for manifest in workers.values():
        kubernetes_validate.validate(manifest, "1.37", strict=True)
        assert manifest["metadata"]["name"] == f"{NAME}-worker"
    spec = workers["Deployment"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"] == labels
    assert workers["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert labels != manifests["Service"]["spec"]["selector"], "it gets no requests"
    pod, container = spec["template"]["spec"], container_of(workers["Deployment"])
    check_is_confined(container, pod)
    assert pod["terminationGracePeriodSeconds"] > LONGEST_END
    service = container_of(manifests["Deployment"])
    assert container["image"] == service["image"]
    assert container["resources"] == service["resources"]
    assert container["envFrom"] == [{"secretRef": {"name": f"{NAME}-tasks"}}]
    assert container["command"] == ["python", *WORKER]
    for policy in (workers["NetworkPolicy"], manifests["NetworkPolicy"]):
        assert 5432 in {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}


def test_knative(project: Path) -> None:
    """Knative's schema is not packaged; its pod fields are validated as a pod's."""
    service = yaml.safe_load((project / "deploy" / "serverless" / "service.yaml").read_text())
    assert (service["apiVersion"], service["kind"]) == ("serving.knative.dev/v1", "Service")
    assert service["metadata"]["name"] == NAME
    spec = dict(service["spec"]["template"]["spec"])
    assert spec.pop("containerConcurrency") > 0
    assert spec.pop("timeoutSeconds") > LONGEST_END
    check_is_confined(container_of(service), spec)
    for probe in ("livenessProbe", "readinessProbe"):
        # Knative has a default port; a pod does not.
        spec["containers"][0][probe]["httpGet"]["port"] = 8000
    spec["containers"][0]["name"] = NAME
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": NAME}, "spec": spec}
    kubernetes_validate.validate(pod, "1.37", strict=True)


# Docker Compose


@pytest.fixture(scope="module")
def composed(project: Path) -> dict[str, Any]:
    """Return compose.yaml as Docker Compose reads it."""
    return compose(project)


def compose(project: Path, **settings: str) -> dict[str, Any]:
    """Return a project's compose.yaml as Docker Compose resolves it."""
    done = subprocess.run(
        [program("docker-compose"), "--profile", "*", "config"],
        cwd=project,
        env={"PATH": os.environ["PATH"], "HOME": str(project)} | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return dict(yaml.safe_load(done.stdout))


def test_compose(composed: dict[str, Any]) -> None:
    services = composed["services"]
    assert composed["name"] == NAME
    assert set(services) == {"service", "worker", "postgres", "prometheus", "grafana", "store"}
    assert services["store"]["profiles"] == ["store"]
    service = services["service"]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]
    assert service["stop_grace_period"] == "45s"
    images = [
        container["image"]
        for name, container in services.items()
        if name not in ("service", "worker")
    ]
    assert all(re.search(r":v?\d+\.\d+", image) for image in images), "versions that stay"
    ports = [port for container in services.values() for port in container.get("ports", [])]
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_compose_has_a_task_volume_and_a_worker(composed: dict[str, Any], project: Path) -> None:
    service, worker = composed["services"]["service"], composed["services"]["worker"]
    (volume,) = service["volumes"]
    assert (volume["type"], volume["source"]) == ("volume", "tasks")
    assert volume["target"] == "/app/.tasks"  # the default: no task settings
    dockerfile = (project / "Dockerfile").read_text()
    assert "RUN mkdir --mode=1777 .tasks .feedback\n" in dockerfile, "a volume inherits its mode"
    ours = {name: text for name, text in service["environment"].items() if "MMF_TASK" in name}
    assert set(ours.values()) == {None}, "absent unless set"
    changed = {"profiles", "command", "ports", "healthcheck"}
    assert {name for name in service | worker if service.get(name) != worker.get(name)} == changed
    assert worker["command"] == ["python", *WORKER]
    assert worker["profiles"] == composed["services"]["postgres"]["profiles"] == ["tasks"]
    assert worker["healthcheck"] == {"disable": True}
    assert not worker.get("ports")


def test_compose_passes_task_settings(project: Path) -> None:
    lines = (project / "compose.yaml").read_text().splitlines()
    exported = [line.removeprefix("#   export ") for line in lines if line[:11] == "#   export "]
    settings = dict(word.split("=", 1) for line in exported for word in line.split())
    assert set(settings) == {"MMF_TASKS", "MMF_TASK_FILES", "MMF_TASK_WORKERS"}
    services = compose(project, **settings)["services"]
    for name in ("service", "worker"):
        assert settings.items() <= services[name]["environment"].items()
    database = services["postgres"]["environment"]["POSTGRES_PASSWORD"]
    assert settings["MMF_TASKS"] == f"postgresql://postgres:{database}@postgres/postgres"
    assert TaskSettings.from_env(settings).uri == settings["MMF_TASKS"]


def test_compose_mounts_existing_files(composed: dict[str, Any], project: Path) -> None:
    mounts = [
        Path(volume["source"]).relative_to(project).as_posix()
        for container in composed["services"].values()
        for volume in container.get("volumes", [])
        if volume["type"] == "bind"
    ]
    assert sorted(mounts) == [
        "deploy/grafana/dashboard.json",
        "deploy/grafana/provisioning",
        "deploy/prometheus",
    ]


def test_prometheus_finds_the_service(composed: dict[str, Any], project: Path) -> None:
    config = yaml.safe_load((project / "deploy" / "prometheus" / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    (address,) = job["static_configs"][0]["targets"]
    host, port = address.split(":")
    assert port in [str(published["target"]) for published in composed["services"][host]["ports"]]


def test_grafana_finds_prometheus(composed: dict[str, Any], project: Path) -> None:
    folder = project / "deploy" / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    assert source["url"] == "http://prometheus:9090"
    (files,) = yaml.safe_load((folder / "dashboards" / "files.yml").read_text())["providers"]
    mounts = composed["services"]["grafana"]["volumes"]
    assert f"{files['options']['path']}/dashboard.json" in [mount["target"] for mount in mounts]


# Heroku


def test_requirements_are_self_contained(baked: Path) -> None:
    """Heroku gets one file of pins: no line includes another file or names an index."""
    lines = (baked / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [
        line for line in lines if not re.match(r"[a-z0-9][a-z0-9-]*==\d\S*( ; .+)?$", line)
    ] == []
    assert any(line.startswith("gunicorn==") for line in lines)
