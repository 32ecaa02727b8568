/* The library of what all programs call. The files at the end are written for numbers of a type T,
 * and are included for single and for double precision. */
#include "elementary.h"
#include "routines.h"
#include "scratch.h"
#include "lanes.h"

#define T f32
#define I i32
#define LANES LANES_f32
#include "products.h"
#include "windows.h"
#include "recurrent.h"
#undef T
#undef I
#undef LANES

#define T f64
#define I i64
#define LANES LANES_f64
#include "products.h"
#include "windows.h"
#include "recurrent.h"
