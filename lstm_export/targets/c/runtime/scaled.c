//@if words
#if NAME_VL > 1
static void NAME_scaled(float *sums, const float *scale, const float *bias, size_t lanes)
{
    size_t j;
    for (j = 0; j < lanes; j += NAME_VL) {
        NAME_store(sums + j, NAME_load(sums + j) * NAME_load(scale + j) + NAME_load(bias + j));
    }
}
#endif

//@end
