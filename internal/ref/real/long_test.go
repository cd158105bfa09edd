package real_test

import "flag"

var long = flag.Bool("real.long", false, "compare the fast functions with math/big on 200000 inputs each, which takes minutes")
