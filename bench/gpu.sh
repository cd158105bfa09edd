#!/usr/bin/env bash
# Tests and measures darray on a machine with an NVIDIA GPU that needs neither Go nor this repository, only the driver.
#
#   bench/gpu.sh --pack DIR        where Go is: put all that is needed, and this script, into DIR
#   DIR/gpu.sh                     on the machine: do everything, print one table, keep the logs in DIR/logs
#   DIR/gpu.sh --quick             the same with small sizes
#   DIR/gpu.sh --device sim        a dry run on the simulated GPU, anywhere
#   DIR/gpu.sh --only kernels,bits some of the steps; --list names them
#   DIR/gpu.sh -- --cases add      what follows goes to `darray bench gpu`
#
# Steps, each in a log of its own; a step fails where its program does, and the script if any step has:
#   kernels     every kept kernel, by ptxas for sm_70 to sm_90 where that is there, and by the driver
#   tests       the tests of the device on it
#   memcheck    kernels of every kind under compute-sanitizer, where that is there; racecheck likewise
#   bits        expressions on the GPU and on the processor, byte for byte
#   devices     calibration
#   bench       `darray bench gpu`, beside the rivals that are installed; as `-- --python /path/python3 --sizes 1e7`
# GPU_STEP_SECONDS limits a step, 540 by default.
# shellcheck disable=SC2317 # the steps are called by their names
set -u -o pipefail

steps=(kernels tests bits memcheck racecheck devices bench)

usage() { sed -n '2,/^# shellcheck/p' "$0" | sed -e '/^# shellcheck/d' -e 's/^# \{0,1\}//'; }

die() {
	echo "gpu.sh: $*" >&2
	exit 2
}

# pack DIR: build and copy all that a machine without Go needs.
pack() {
	local to=$1 root
	root=$(cd "$(dirname "$0")/.." && pwd) || return
	mkdir -p "$to/kernels" && find "$to/kernels" -name "*.ptx" -delete && to=$(cd "$to" && pwd) && cd "$root" || return
	go build -ldflags='-s -w' -o "$to/darray" ./cmd/darray &&
		go build -ldflags='-s -w' -o "$to/example" ./examples/gpu &&
		go test -c -ldflags='-s -w' -o "$to/cuda.test" ./cuda &&
		cp -R cuda/ptx/testdata/. "$to/kernels/" &&
		cp examples/data/flights-200k.arrow cmd/darray/testdata/nulls.arrow "$to/" &&
		cp bench/gpu.sh "$to/" && chmod +x "$to/gpu.sh" &&
		echo "packed into $to: $(du -sh "$to" | cut -f1); run $to/gpu.sh there"
}

device=cuda quick=0 only='' here=$(cd "$(dirname "$0")" && pwd)
logs=$here/logs
bench=()
while [ $# -gt 0 ]; do
	case $1 in
	--pack)
		[ $# -eq 2 ] || die "--pack takes a folder, and nothing beside it"
		pack "$2"
		exit
		;;
	--device | --only | --logs)
		[ $# -ge 2 ] || die "$1 takes a word behind it"
		printf -v "${1#--}" %s "$2"
		shift
		;;
	--quick) quick=1 ;;
	--list)
		printf '%s\n' "${steps[@]}"
		exit
		;;
	-h | --help)
		usage
		exit
		;;
	--)
		shift
		bench=("$@")
		break
		;;
	*) die "no option $1; -h explains" ;;
	esac
	shift
done
case $device in cuda | sim) ;; *) die "--device \"$device\": there are cuda and sim" ;; esac
for step in ${only//,/ }; do
	case " ${steps[*]} " in *" $step "*) ;; *) die "no step $step; there are ${steps[*]}" ;; esac
done
for file in darray example cuda.test kernels; do
	[ -e "$here/$file" ] || die "$here/$file is not there: make the folder by bench/gpu.sh --pack DIR"
done
mkdir -p "$logs" && logs=$(cd "$logs" && pwd) && cd "$here" || exit
real=()
[ "$device" = cuda ] && real=(-real)

# kernels: ptxas knows all architectures that it was built for, the driver the one that is there.
run_kernels() {
	local failed=0 count=0 text arch
	if command -v ptxas; then
		while IFS= read -r text; do
			for arch in 70 75 80 86 89 90; do
				ptxas -arch="sm_$arch" -o /dev/null "$text" || { echo "REFUSED: $text for sm_$arch" && failed=1; }
				count=$((count + 1))
			done
		done < <(find kernels -name '*.ptx' | sort)
		echo "ptxas took $count texts and architectures"
	else
		echo "NOT TESTED: no ptxas on the PATH; it comes with the CUDA toolkit, or pip install nvidia-cuda-nvcc-cu12"
	fi
	./cuda.test "${real[@]}" -test.v -test.run '^TestTexts$' -texts kernels || failed=1
	return "$failed"
}

run_tests() {
	local which=()
	[ "$quick" = 1 ] && which=(-test.run '^(TestRunner|TestRoundTrip|TestLaunch|TestPinned|TestGemm)$')
	./cuda.test "${real[@]}" -test.v -texts kernels "${which[@]}"
}

# same EXPR [FILE]: the GPU's bytes and the processor's.
same() {
	./darray eval -q --format json --device cpu "$@" >"$logs/processor.json" &&
		./darray eval -q --format json --device "$device" "$@" >"$logs/gpu.json" &&
		cmp "$logs/processor.json" "$logs/gpu.json" && echo "same bytes: $1"
}

run_bits() {
	local failed=0 n=1000000 x='x = arange(0.0, 1e6) / 7 - 9000; y = cast(x, float32)'
	[ "$quick" = 1 ] && n=20000 x='x = arange(0.0, 2e4) / 7 - 900; y = cast(x, float32)'
	same "$x; exp(-x * x / 1e6) * sin(x); tanh(x / 50) + log1p(abs(x)); pow(abs(y), 0.3) // 2" || failed=1
	same "$x; sum(sqrt(abs(x))); mean(y * 3 - 1); max(x); argmin(abs(y)); std(x); count_nonzero(x > 11)" || failed=1
	same "i = arange($n); (i * i) % 1000 ^ (i << 3); where(i > 77, i, -i); cast(i, int16) * 3" || failed=1
	same 'i < 6 && b; i * 3; f / 2; where(b, i, 0); sum(i); max(i - 1); count(f)' nulls.arrow || failed=1
	same 'sum(distance + delay); where(delay > 15, exp(-time / 100), 0)' flights-200k.arrow || failed=1
	./example -n "$n" -device "$device" >"$logs/example.txt" || failed=1
	cat "$logs/example.txt"
	[ "$(grep -c 'bits: true' "$logs/example.txt")" = 2 ] || failed=1
	return "$failed"
}

# sanitize TOOL: the driver's own checker over kernels of every kind.
sanitize() {
	if ! command -v compute-sanitizer; then
		echo "NOT TESTED: no compute-sanitizer on the PATH; it comes with the CUDA toolkit"
		return
	fi
	if [ "$device" = sim ]; then
		echo "NOT TESTED: the simulator checks memory and races itself"
		return
	fi
	local failed=0
	local check=(compute-sanitizer --tool "$1" --error-exitcode 9)
	"${check[@]}" ./example -n 20000 -device "$device" || failed=1
	"${check[@]}" ./darray eval -q --device "$device" 'x = arange(0.0, 3e4); sum(x); cumsum(x); max(reshape(x, 100, 300), 0); sum(reshape(x, 100, 300), 1)' || failed=1
	"${check[@]}" ./darray eval -q --device "$device" 'a = reshape(arange(0.0, 9e3), 90, 100); sum(matmul(a, reshape(a, 100, 90)))' || failed=1
	return "$failed"
}

run_memcheck() { sanitize memcheck; }
run_racecheck() { sanitize racecheck; }

run_devices() {
	./darray devices --device "$device" --json >"$logs/devices.json" && ./darray devices --device "$device"
}

run_bench() {
	local flags=(--device "$device" --json "$logs/bench.json" --plot "$logs/bench.svg")
	[ "$quick" = 1 ] && flags+=(--quick)
	./darray bench gpu "${flags[@]}" "${bench[@]}"
}

# verdict STEP: the line of a log that says most.
verdict() {
	local log=$logs/$1.txt
	case $1 in
	kernels | tests) echo "$(grep -c '^--- PASS' "$log") tests passed, $(grep -c '^--- FAIL' "$log") failed, $(grep -c '^--- SKIP' "$log") skipped; $(grep -c 'compiled in' "$log") kernels compiled" ;;
	bits) echo "$(grep -c '^same bytes' "$log") scripts with the same bytes, $(grep -c 'bits: true' "$log") results of the example" ;;
	memcheck | racecheck) grep -h 'NOT TESTED\|ERROR SUMMARY\|RACECHECK SUMMARY' "$log" | sort | uniq -c | sed 's/^ *//' | paste -sd ';' ;;
	devices) grep -m1 '^cuda:0' "$log" ;;
	bench) echo "$(grep -c '^darray ' "$log") lines of darray; $(grep -c 'LEFT OUT' "$log") rivals left out; see bench.txt, bench.json, bench.svg" ;;
	esac
}

failed=0
summary=$logs/summary.txt
{
	echo "darray on a GPU: $(./darray version), $(date -u +%Y-%m-%dT%H:%MZ), device $device$([ "$device" = sim ] && echo ', SIMULATED')"
	printf '%-10s %-10s %8s  %s\n' step result seconds what
} >"$summary"
for step in "${steps[@]}"; do
	case ",$only," in ,, | *",$step,"*) ;; *) continue ;; esac
	echo "== $step" >&2
	began=$SECONDS
	export -f "run_$step" same sanitize
	export device quick logs
	limit=${GPU_STEP_SECONDS:-540}
	timeout "$limit" bash -u -o pipefail -c "$(declare -p real bench); run_$step" >"$logs/$step.txt" 2>"$logs/$step.err"
	code=$?
	cat "$logs/$step.err" >>"$logs/$step.txt"
	result=ok
	if [ $code = 124 ]; then
		result=TOO-LONG failed=1
	elif [ $code != 0 ]; then
		result=FAILED failed=1
		tail -n 5 "$logs/$step.txt" >&2
	elif grep -q '^NOT TESTED' "$logs/$step.txt" && [ "$step" != kernels ] && [ "$step" != tests ]; then
		result=skipped
	fi
	printf '%-10s %-10s %8d  %s\n' "$step" "$result" $((SECONDS - began)) "$(verdict "$step")" >>"$summary"
done
cat "$summary"
echo "logs: $logs"
exit $failed
