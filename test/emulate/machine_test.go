//go:build linux

package emulate_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// archive writes files as an initramfs (cpio "newc"), by name.
func archive(w io.Writer, files map[string][]byte) error {
	var out bytes.Buffer
	inode := 0
	entry := func(name string, mode int, data []byte) {
		inode++
		fmt.Fprintf(&out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
			inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
		out.WriteString(name + "\x00")
		out.Write(make([]byte, -out.Len()&3))
		out.Write(data)
		out.Write(make([]byte, -out.Len()&3))
	}
	for name, data := range files {
		entry(name, 0o100755, data)
	}
	entry("TRAILER!!!", 0, nil)
	_, err := w.Write(out.Bytes())
	return err
}

// The emulated processor says that XSAVEC saves more than it does, which Linux takes for a fault and then does without
// AVX: so it must not use XSAVEC and XSAVES (clearcpuid). The rest saves time.
const kernelArgs = "console=ttyS0 quiet panic=-1 nosmp nokaslr mitigations=off noxsaves clearcpuid=321,323 " +
	"lpj=100000 tsc=reliable no_timer_check cryptomgr.notests audit=0 apparmor=0 selinux=0 random.trust_cpu=on"

// cd makes the disk that the machine boots from.
func cd(ctx context.Context, t *testing.T, dir, kernel string, initrd []byte) string {
	t.Helper()
	root := filepath.Join(dir, "root")
	if err := os.MkdirAll(filepath.Join(root, "isolinux"), 0o755); err != nil {
		t.Fatal(err)
	}
	for to, from := range map[string]string{
		"vmlinuz": kernel, "isolinux/isolinux.bin": isolinux, "isolinux/ldlinux.c32": ldlinux,
	} {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(root, to), data)
	}
	write(t, filepath.Join(root, "initrd"), initrd)
	write(t, filepath.Join(root, "isolinux/isolinux.cfg"),
		[]byte("SERIAL 0 115200\nDEFAULT linux\nPROMPT 0\nLABEL linux\n KERNEL /vmlinuz\n INITRD /initrd\n APPEND "+kernelArgs+"\n"))
	iso := filepath.Join(dir, "boot.iso")
	out, err := exec.CommandContext(ctx, "xorriso", "-as", "mkisofs", "-quiet", "-o", iso, "-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat",
		"-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", root).CombinedOutput()
	if err != nil {
		t.Fatalf("xorriso: %v\n%s", err, out)
	}
	return iso
}

// machine is Bochs' description of the machine.
func machine(dir, iso string) string {
	return strings.Join([]string{
		"cpu: model=corei7_skylake_x, count=1, ips=50000000, reset_on_triple_fault=0",
		"memory: guest=1024, host=1024",
		"romimage: file=/usr/share/bochs/BIOS-bochs-latest",
		"vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest",
		"ata0-master: type=cdrom, path=" + iso + ", status=inserted",
		"boot: cdrom",
		"com1: enabled=1, mode=file, dev=" + filepath.Join(dir, "serial"),
		"log: " + filepath.Join(dir, "log"),
		"sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy",
		"speaker: enabled=0",
		"clock: sync=none",
		"display_library: term", // the one display of Debian's that needs neither X nor a port, but a terminal
		"",
	}, "\n")
}

// boot runs the machine until it is switched off or ctx ends, and gives what it wrote on its serial line.
func boot(ctx context.Context, t *testing.T, dir, iso string) (serial string, err error) {
	t.Helper()
	rc, start := filepath.Join(dir, "machine"), filepath.Join(dir, "start")
	write(t, rc, []byte(machine(dir, iso)))
	write(t, start, []byte("continue\n")) // Debian's Bochs is a debugger, and waits for that
	screen, terminal := openTerminal(t)
	defer screen.Close()
	cmd := exec.CommandContext(ctx, "bochs", "-q", "-f", rc, "-rc", start)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TERM=vt100")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	began := time.Now()
	err = cmd.Start()
	terminal.Close()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan []byte)
	go func() {
		var all bytes.Buffer
		_, _ = io.Copy(&all, screen) // ends with EIO when the terminal's last user is gone
		seen <- all.Bytes()
	}()
	err = cmd.Wait()
	text := <-seen
	t.Logf("the machine ran for %.0f s on %.0f s of a core", time.Since(began).Seconds(), cmd.ProcessState.UserTime().Seconds())
	raw, readErr := os.ReadFile(filepath.Join(dir, "serial"))
	if readErr != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		t.Fatalf("the machine wrote nothing: %v %v\n%s\n%s", err, readErr, tail(text), tail(log))
	}
	if ctx.Err() != nil {
		return string(raw), context.Cause(ctx)
	}
	return string(raw), nil // Bochs ends with 1 when the machine is switched off
}

// openTerminal is a pseudo terminal of a size that Bochs accepts.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("SKIPPED: no pseudo terminals here: %v", err)
	}
	fd := int(screen.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: 132}); err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return screen, terminal
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// tail is the end of a long text.
func tail(text []byte) []byte { return text[max(0, len(text)-4000):] }
