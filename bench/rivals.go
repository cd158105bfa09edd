package bench

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/darray-go/darray/internal/launch"
)

//go:embed rivals/*.c rivals/*.py rivals/*.mjs
var rivalSources embed.FS

// contender runs cases on p ranks. Ours and the rivals differ in how that is started only.
type contender struct {
	name    string // "mem", "c": as the report calls it
	about   string // what it is, in a line of the report's legend
	ours    bool
	missing string // why it takes no part, and what to install

	command func(p int, args []string) []string // a rival's command line
	tutor   []string                            // its scatteradd, launched on 4 ranks
	// start runs the cases on p ranks and gives what rank 0 prints.
	start func(ctx context.Context, p int, args []string) ([]byte, error)
}

// ours are the contenders of this build, one a link.
func (s *suite) ours() []contender {
	about := map[string]string{
		"mem":  "darray, ranks in one process",
		"shm":  "darray, a process a rank, shared memory",
		"quic": "darray, a process a rank, QUIC over loopback, encrypted",
		"tcp":  "darray, a process a rank, bulk over the TCP lane, encrypted",
	}
	var cs []contender
	for _, link := range s.o.Links {
		c := contender{name: link, about: about[link], ours: true}
		c.start = func(ctx context.Context, p int, args []string) ([]byte, error) {
			return s.startOurs(ctx, link, p, args)
		}
		cs = append(cs, c)
	}
	return cs
}

// linkEnv tells the ranks which link they are to use.
func linkEnv(link string) []string {
	if link == "tcp" {
		return []string{"DARRAY_LINK=quic", "DARRAY_BULK=tcp"}
	}
	return []string{"DARRAY_LINK=" + link, "DARRAY_BULK="}
}

func (s *suite) startOurs(ctx context.Context, link string, p int, args []string) ([]byte, error) {
	argv := append([]string{
		s.self, "bench", "rank", "cases", "--repeat", strconv.Itoa(s.o.Repeat), "--batch", s.o.Batch.String(),
		"--ranks", strconv.Itoa(p), "--",
	}, args...)
	if link == "mem" {
		return s.output(ctx, argv)
	}
	var out, said bytes.Buffer
	err := launch.Run(ctx, launch.Config{Ranks: p, Argv: argv, Env: append(s.o.Env, linkEnv(link)...), Stdout: &out, Stderr: &said})
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, said.Bytes())
	}
	return out.Bytes(), nil
}

// output runs a program and adds to its failure what it said.
func (s *suite) output(ctx context.Context, argv []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	// Open MPI refuses to run as root, which containers are, unless told twice; other users it does not ask.
	cmd.Env = append(s.o.Env, "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", "OMP_NUM_THREADS=1")
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, exit.Stderr)
	}
	return out, err
}

const (
	installMPI    = "install Open MPI and a C compiler (Debian: apt install gcc openmpi-bin libopenmpi-dev)"
	installMPI4Py = "install mpi4py and NumPy for Open MPI (Debian: apt install python3-mpi4py python3-numpy)"
)

// rivals writes the rivals' programs into dir, compiles them and says which of them cannot run here, and why.
func (s *suite) rivals(ctx context.Context, dir string) ([]contender, error) {
	if err := WriteRivals(dir); err != nil {
		return nil, err
	}
	mpirun := []string{"mpirun", "--oversubscribe", "-n"}
	tcp := []string{"mpirun", "--mca", "btl", "tcp,self", "--mca", "pml", "ob1", "--mca", "btl_tcp_if_include", "lo", "--oversubscribe", "-n"}
	program := func(name string) string { return filepath.Join(dir, name) }
	noRun := s.lacksRun(ctx)
	missingC := noRun
	if _, err := exec.LookPath("mpicc"); err != nil && missingC == "" {
		missingC = "no mpicc; " + installMPI
	}
	for _, name := range []string{"osu", "scatteradd"} {
		if missingC == "" {
			out, err := exec.CommandContext(ctx, "mpicc", "-O3", "-march=native", "-o", program(name), program(name+".c")).CombinedOutput()
			if err != nil {
				missingC = fmt.Sprintf("mpicc: %v %s; %s", err, out, installMPI)
			}
		}
	}
	python, missingPy := s.python(ctx)
	if noRun != "" {
		missingPy = noRun
	}
	rival := func(name, about, missing string, mpirun []string, argv ...string) contender {
		c := contender{name: name, about: about, missing: missing}
		c.command = func(p int, args []string) []string {
			line := append(append([]string{}, mpirun...), strconv.Itoa(p))
			return append(append(line, argv...), args...)
		}
		ms := strconv.FormatFloat(s.o.Batch.Seconds()*1000, 'g', -1, 64)
		flags := []string{"--runs", strconv.Itoa(s.o.Repeat), "--batch-ms", ms}
		c.start = func(ctx context.Context, p int, args []string) ([]byte, error) {
			return s.output(ctx, c.command(p, append(flags, args...)))
		}
		return c
	}
	c := rival("c", "C, Open MPI, shared memory", missingC, mpirun, program("osu"))
	c.tutor = append(append([]string{}, mpirun...), "4", program("scatteradd"))
	py := rival("mpi4py", "mpi4py, Open MPI, shared memory", missingPy, mpirun, python, program("osu.py"))
	py.tutor = append(append([]string{}, mpirun...), "4", python, program("scatteradd.py"))
	return []contender{c, rival("c-tcp", "C, Open MPI, TCP over loopback, not encrypted", missingC, tcp, program("osu")), py}, nil
}

// lacksRun says why mpirun cannot be used; empty: it can.
func (s *suite) lacksRun(ctx context.Context) string {
	out, err := s.output(ctx, []string{"mpirun", "--version"})
	switch {
	case err != nil:
		return "no mpirun; " + installMPI
	case !bytes.Contains(out, []byte("Open MPI")):
		return fmt.Sprintf("mpirun is not Open MPI's but says %q; %s", firstLine(out), installMPI)
	}
	s.report.Rivals = append(s.report.Rivals, firstLine(out))
	return ""
}

// python is an interpreter that has mpi4py and NumPy: the first on the PATH, or the system's.
func (s *suite) python(ctx context.Context) (path, missing string) {
	for _, path := range []string{"python3", "/usr/bin/python3"} {
		out, err := s.output(ctx, []string{path, "-c", "import sys, numpy, mpi4py; print('mpi4py', mpi4py.__version__, 'numpy', numpy.__version__, 'Python', sys.version.split()[0])"})
		if err == nil {
			s.report.Rivals = append(s.report.Rivals, firstLine(out))
			return path, ""
		}
	}
	return "python3", "no python3 with mpi4py and NumPy; " + installMPI4Py
}

func firstLine(out []byte) string {
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}

// WriteRivals puts the programs of the rivals, C and Python, into dir.
func WriteRivals(dir string) error {
	files, err := rivalSources.ReadDir("rivals")
	if err != nil {
		return err
	}
	for _, f := range files {
		data, err := rivalSources.ReadFile("rivals/" + f.Name())
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, f.Name()), data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leaveOut says loudly who takes no part.
func (s *suite) leaveOut(w io.Writer, c contender) {
	line := fmt.Sprintf("%s (%s) is left out: %s", c.name, c.about, c.missing)
	fmt.Fprintln(w, "WARNING:", line)
	s.report.LeftOut = append(s.report.LeftOut, line)
}
