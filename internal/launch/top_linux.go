package launch

import (
	"bufio"
	"os"
	"regexp"
	"strings"
)

// agentName is what socket.ListenNew gives an agent.
var agentName = regexp.MustCompile(`^@darray-[0-9a-f]{16}$`)

// agentSockets lists the abstract sockets that have the name of an agent's and are listened on. They may be other users'.
func agentSockets() ([]string, error) {
	f, err := os.Open("/proc/net/unix")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var sockets []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// Num RefCount Protocol Flags Type St Inode Path
		fields := strings.Fields(lines.Text())
		const accepts = "00010000"
		if len(fields) == 8 && fields[3] == accepts && agentName.MatchString(fields[7]) {
			sockets = append(sockets, fields[7])
		}
	}
	return sockets, lines.Err()
}
