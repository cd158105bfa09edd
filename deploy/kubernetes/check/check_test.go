// Package check holds the manifest against Kubernetes' own types: a misspelt field is an error, and what has to agree does.
package check

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

type manifest struct {
	service corev1.Service
	job     batchv1.Job
	policy  networkingv1.NetworkPolicy
}

// decode refuses fields that the types do not have, and kinds that it does not know.
func decode(t *testing.T, text []byte) (m manifest, err error) {
	t.Helper()
	for _, doc := range bytes.Split(text, []byte("\n---\n")) {
		var kind struct{ Kind string }
		if err := yaml.Unmarshal(doc, &kind); err != nil {
			return m, err
		}
		var into any
		switch kind.Kind {
		case "Service":
			into = &m.service
		case "Job":
			into = &m.job
		case "NetworkPolicy":
			into = &m.policy
		default:
			t.Fatalf("kind %q", kind.Kind)
		}
		if err := yaml.UnmarshalStrict(doc, into); err != nil {
			return m, err
		}
	}
	return m, nil
}

func read(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../job.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestManifest(t *testing.T) {
	m, err := decode(t, read(t))
	if err != nil {
		t.Fatal(err)
	}
	spec := m.job.Spec
	pod := spec.Template.Spec
	container := pod.Containers[0]
	env := make(map[string]string)
	for _, v := range container.Env {
		env[v.Name] = v.Value
	}
	if *spec.CompletionMode != batchv1.IndexedCompletion || *spec.Completions != *spec.Parallelism ||
		env["DARRAY_SIZE"] != strconv.Itoa(int(*spec.Completions)) {
		t.Errorf("completions %d, parallelism %d, DARRAY_SIZE %s; all are the number of ranks", *spec.Completions, *spec.Parallelism, env["DARRAY_SIZE"])
	}
	if *spec.BackoffLimit != 0 || pod.RestartPolicy != corev1.RestartPolicyNever {
		t.Error("a restarted rank cannot rejoin")
	}
	if m.service.Spec.ClusterIP != corev1.ClusterIPNone || !m.service.Spec.PublishNotReadyAddresses {
		t.Error("the Service is not headless, or hides pods that are not ready")
	}
	if pod.Subdomain != m.service.Name || env["DARRAY_SERVICE"] != m.service.Name {
		t.Errorf("subdomain %q, DARRAY_SERVICE %q, Service %q", pod.Subdomain, env["DARRAY_SERVICE"], m.service.Name)
	}
	for _, selector := range []map[string]string{
		m.service.Spec.Selector, m.policy.Spec.PodSelector.MatchLabels, spec.Template.Labels,
		m.policy.Spec.Ingress[0].From[0].PodSelector.MatchLabels,
	} {
		if len(selector) != 1 || selector["app"] != m.job.Name {
			t.Errorf("selector %v, Job %q", selector, m.job.Name)
		}
	}
	mounted := slices.ContainsFunc(container.VolumeMounts, func(v corev1.VolumeMount) bool {
		return v.Name == pod.Volumes[0].Name && strings.HasPrefix(env["DARRAY_TOKEN_FILE"], v.MountPath+"/") && v.ReadOnly
	})
	if !mounted || *pod.Volumes[0].Secret.DefaultMode != 0o440 {
		t.Error("the Secret is not where DARRAY_TOKEN_FILE looks, or everybody can read it")
	}
	if env["DARRAY_INIT_TIMEOUT"] != "300s" || env["DARRAY_TOKEN"] != "" {
		t.Errorf("environment %v", env)
	}
	port := m.service.Spec.Ports[0]
	if port.Port != 23817 || port.Protocol != corev1.ProtocolUDP {
		t.Errorf("port %d/%s; rank 0 listens on 23817/UDP", port.Port, port.Protocol)
	}
	rule := m.policy.Spec.Ingress[0].Ports[0]
	if *rule.Protocol != corev1.ProtocolUDP || rule.Port.IntVal > 23817 || *rule.EndPort < 65535 {
		t.Errorf("the policy lets in %v", rule)
	}
}

// TestMisspelt: the check does see a wrong field.
func TestMisspelt(t *testing.T) {
	text := bytes.Replace(read(t), []byte("parallelism:"), []byte("paralelism:"), 1)
	if _, err := decode(t, text); err == nil || !strings.Contains(err.Error(), "unknown field") {
		t.Errorf("error %v", err)
	}
}
