// Reports as SARIF 2.1.0 (OASIS), which code scanning reads.

package output

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/audit/policy"
	"github.com/rawshake/rawshake/internal/facts/plain"
)

const (
	sarifSchema  = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	sarifVersion = "2.1.0"
	homepage     = "https://github.com/rawshake/rawshake"
)

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	Results     []sarifResult     `json:"results"`
	ColumnKind  string            `json:"columnKind"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID            string          `json:"id"`
	Short         sarifText       `json:"shortDescription"`
	Help          sarifText       `json:"help"`
	Configuration sarifConfigured `json:"defaultConfiguration"`
	Properties    sarifProperties `json:"properties"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifConfigured struct {
	Level string `json:"level"`
}

type sarifProperties struct {
	Tags     []string `json:"tags"`
	Severity string   `json:"security-severity,omitempty"` // a number, as GitHub sorts alerts by
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	Start         string              `json:"startTimeUtc,omitempty"`
	Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	RuleIndex int             `json:"ruleIndex"`
	Kind      string          `json:"kind"`
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations"`
}

type sarifLocation struct {
	Physical sarifPhysical  `json:"physicalLocation"`
	Logical  []sarifLogical `json:"logicalLocations"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"` // a server has no lines; readers want one
}

type sarifLogical struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
}

// severityScores are numbers for severities, by which GitHub sorts.
var severityScores = map[string]string{"critical": "9.5", "high": "8.0", "medium": "5.0", "low": "3.0", "info": "0.0"}

// SARIF writes reports as one SARIF log: a rule for each of the policy's (nil:
// none) and each weakness that an audit can find; a result for each violation, each rule that could not be judged (of the kind
// "open"), and each weakness. version is rawshake's.
func SARIF(w io.Writer, list []*audit.Report, p *policy.Policy, version string) error {
	return sarif(w, list, p, classes(), version)
}

func sarif(w io.Writer, list []*audit.Report, p *policy.Policy, classes []audit.Weakness, version string) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}, Invocations: []sarifInvocation{}}
	run.Tool.Driver = sarifDriver{Name: "rawshake", Version: plain.Escape(version), InformationURI: homepage}
	at := run.rules(list, p, classes)
	for _, r := range list {
		run.report(r, at, p)
	}
	b, err := json.MarshalIndent(sarifLog{sarifSchema, sarifVersion, []sarifRun{run}}, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(harmless(b), '\n'))
	return err
}

// rules writes down the rules, and returns their places by their IDs.
func (run *sarifRun) rules(list []*audit.Report, p *policy.Policy, classes []audit.Weakness) map[string]int {
	at := make(map[string]int)
	rules := []sarifRule{}
	add := func(id, short, help, level, severity, tag string) {
		if _, seen := at[id]; seen {
			return
		}
		at[id] = len(rules)
		rules = append(rules, sarifRule{id, sarifText{plain.Escape(short)}, sarifText{help}, sarifConfigured{level}, sarifProperties{[]string{"security", "tls", tag}, severity}})
	}
	if p != nil {
		for _, r := range p.Rules {
			level, severity := "error", severityScores["high"]
			if r.Level != policy.Must {
				level, severity = "warning", severityScores["medium"]
			}
			add(policyRule(p.Name, r.ID), r.Title, helpOf(p, r), level, severity, "policy")
		}
	}
	for _, r := range list {
		classes = allClasses(classes, r.Weaknesses)
	}
	for _, c := range classes {
		help := plain.Escape(c.Name)
		if c.Source != "" {
			help += "\nSource: " + plain.Escape(c.Source)
		}
		add(weaknessRule(c.ID), c.Name, help, levelOf(c.Severity), severityScores[c.Severity], "weakness")
	}
	run.Tool.Driver.Rules = rules
	return at
}

func policyRule(policy, rule string) string { return plain.Escape("policy/" + policy + "/" + rule) }
func weaknessRule(id string) string         { return plain.Escape("weakness/" + id) }

// levelOf is SARIF's level of a severity.
func levelOf(severity string) string {
	switch severity {
	case "critical", "high":
		return "error"
	case "medium":
		return "warning"
	}
	return "note"
}

// helpOf says where a rule is written, and what mends it.
func helpOf(p *policy.Policy, r policy.Rule) string {
	help := []string{plain.Escape(r.Title), "Source: " + plain.Escape(r.Source)}
	lines := p.Mend(r)
	for _, s := range serverNames {
		if line := lines[s.key]; line != "" {
			help = append(help, s.name+": "+plain.Escape(line))
		}
	}
	return strings.Join(help, "\n")
}

// report writes down what was found at one server.
func (run *sarifRun) report(r *audit.Report, at map[string]int, p *policy.Policy) {
	call := sarifInvocation{Successful: r.TLS}
	if !r.Time.IsZero() {
		call.Start = moment(r.Time)
	}
	if r.Error != "" {
		call.Notifications = append(call.Notifications, sarifNotification{"error", sarifText{plain.Escape(r.Host + ": " + r.Error)}})
	}
	run.Invocations = append(run.Invocations, call)
	where := []sarifLocation{{sarifPhysical{sarifArtifact{uriOf(r)}, sarifRegion{1}}, []sarifLogical{{plain.Escape(r.Host), "resource"}}}}
	add := func(id, kind, level, message string) {
		if i, known := at[id]; known {
			run.Results = append(run.Results, sarifResult{id, i, kind, level, sarifText{plain.Escape(r.Host + ": " + message)}, where})
		}
	}
	if v := r.Verdict; v != nil && p != nil {
		for _, x := range v.Violations {
			level, message := "error", x.What
			if x.Level != policy.Must {
				level = "warning"
			}
			if x.Value != "" && !strings.Contains(x.What, x.Value) {
				message += ": " + x.Value
			}
			add(policyRule(p.Name, x.Rule), "fail", level, fmt.Sprintf("%s (%s)", message, x.Source))
		}
		for _, g := range v.Unjudged {
			add(policyRule(p.Name, g.What), "open", "none", "not judged: "+g.Why)
		}
	}
	for _, w := range r.Weaknesses {
		add(weaknessRule(w.ID), "fail", levelOf(w.Severity), w.Name+": "+w.Judged)
	}
}

// uriOf names a server as a URI.
func uriOf(r *audit.Report) string {
	u := url.URL{Scheme: "tls", Host: r.Address}
	if _, err := url.Parse(u.String()); err != nil || u.Host == "" {
		u = url.URL{Scheme: "tls", Opaque: url.QueryEscape(r.Host)}
	}
	return u.String()
}
