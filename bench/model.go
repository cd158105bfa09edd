package bench

import (
	"fmt"

	"github.com/darray-go/darray/net/comm/sched"
	"github.com/darray-go/darray/net/comm/sched/sim"
)

// Models are those of net/comm's own schedules, followed through virtual time over each kind of link.
func Models() []Model {
	var models []Model
	for _, params := range sim.Tiers() {
		m := Model{Name: params.Name, Algorithms: func(op string) []string { return sched.Algorithms(sched.Op(op)) }}
		for _, op := range sched.Ops() {
			m.Ops = append(m.Ops, string(op))
		}
		m.Predict = func(op, algorithm string, bytes, p int) (Prediction, error) {
			r, err := sim.Time(sched.Op(op), algorithm, bytes, p, params)
			return Prediction{Seconds: r.Time.Seconds(), Messages: r.Messages, Bytes: r.Bytes}, err
		}
		models = append(models, m)
	}
	return models
}

// FindModel is the model of that name; an error lists the names.
func FindModel(name string) (Model, error) {
	names := []string{}
	for _, m := range Models() {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Model{}, fmt.Errorf("no model of %q; there are %v", name, names)
}
